"""The files of a result: checkpoint, masks, model card."""
