"""How good each detector is, measured on labelled data: one file a detector, each with `evaluate(labelled)`."""
