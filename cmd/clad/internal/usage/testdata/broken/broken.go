// Package broken does not compile.
package broken

import "github.com/cladgo/clad/container"

type Gateway interface{ Charge() error }

func New() Gateway {
	return missing
}

var (
	_ = container.Tag(nowhere.New, "external_api")
	_ = container.Tag(New, "database")
)
