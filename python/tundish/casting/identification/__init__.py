"""From readings back to the cooling; all of its names are those of `tundish.casting`."""
