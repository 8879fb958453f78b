"""The paper's tables and figures as experiments on one's own data: one small module each."""
