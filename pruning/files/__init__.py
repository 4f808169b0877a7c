"""Files that users name: below allowed roots, frozen during a run, with bounded headers. No torch."""
