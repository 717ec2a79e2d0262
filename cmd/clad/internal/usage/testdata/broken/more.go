//go:build more

package broken

import "github.com/cladgo/clad/container"

var _ = container.Tag(New, "more")
