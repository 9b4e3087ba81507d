"""What keeps people and money from harm: limits with reasons."""
