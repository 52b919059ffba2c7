"""What is copied into every bundle as it is: the offline checker and the player. The product imports none of it."""
