"""What several rooms share: argument checks, refusals, frozen columns, progress, random numbers, images."""
