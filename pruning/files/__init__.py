"""Files that users name: below allowed roots, frozen while a run lasts, with bounded headers. Without torch."""
