"""Speed, exactness and statistics, measured against named rivals: `upsr bench`."""
