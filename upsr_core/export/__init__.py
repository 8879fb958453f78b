"""How tables and figures leave the product: CSV for spreadsheets, figures as files, their look."""
