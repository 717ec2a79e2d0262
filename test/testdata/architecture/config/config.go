package config

import (
	"example.com/house/policy"
	"example.com/house/container" // want "config -> container"
	"example.com/house/internal/a" // want "config -> container, through internal/a, internal/b"
	"example.com/house/containers"
)
