// Package alias has an alias that package other lacks.
package alias

import "github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty/other/internal/hidden"

type Aliased = hidden.Aliased
