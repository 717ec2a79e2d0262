package check

import (
	"slices"

	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/suggest"
)

// loaderFor knows the names of errors that profiles may use with code, if all that
// the code gives can be told, and whether it adds the standard policy.
func loaderFor(code *usage.Code) config.Loader {
	if code.Errors.Unknown || len(code.Broken) > 0 {
		return config.Loader{Standard: code.Standard}
	}
	return config.Loader{Errors: append(container.ErrorNames(), code.Errors.Names...), Standard: code.Standard}
}

// errorNames notes the names of errors that clad does not know by itself, where the
// code that may give them was not looked at, or does not tell.
func (c *checker) errorNames(p *config.Profile) {
	for _, s := range p.Settings("policies") {
		names, ok := s.Value.([]string)
		if !ok || len(s.Path) < 4 || s.Path[2] != "errors" {
			continue
		}
		for _, name := range names {
			if _, known := slices.BinarySearch(c.errors, name); known {
				continue
			}
			f := atSetting(s.Origin, s.Path, "no client that clad knows has an error %q%s, so module.WithErrors must give it", name, suggest.DidYouMean(name, c.errors))
			f.Note = true
			c.add(f, p.Name())
		}
	}
}
