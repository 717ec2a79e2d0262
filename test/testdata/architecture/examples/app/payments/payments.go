package payments

import (
	"example.com/house/policy"
	"example.com/house/container" // want "examples/app/payments -> container"
	"log/slog" // want "examples/app/payments -> log/slog, which is infrastructure"
)
