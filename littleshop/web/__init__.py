"""Pages for people: what a browser asks for and what it gets back."""
