"""What happened in a shop: visits as they are counted, figures as they are read."""
