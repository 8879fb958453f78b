"""Why one candidate stands above another for one user: tokens, attributes, items of the history, what-ifs."""
