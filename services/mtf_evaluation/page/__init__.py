"""What each part of the page shows: the report's numbers as short texts and small pictures. Templates only place them."""
