package a

import (
	"example.com/house/internal/b"
	"example.com/house/internal/a/cycle"
)
