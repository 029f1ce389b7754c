"""What is declared: the texts of a stack file as typed data, every problem at once. Pure."""
