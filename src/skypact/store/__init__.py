"""What is kept, and how surely."""
