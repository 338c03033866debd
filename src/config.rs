//! Every setting, typed, read once: file, then environment, then flags.
