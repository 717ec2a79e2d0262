package gen

import (
	"fmt"
	"go/types"

	"github.com/cladgo/clad/cmd/clad/internal/adapters"
	"golang.org/x/tools/go/packages"
)

// adapted reports whether there is an adapter for a type, which therefore gets no
// proxy: which of the two came first would depend on the order of imports.
func (f *finder) adapted(t tagging, p provided) bool {
	adapter, ok := adapters.Of(p.typ)
	if ok && f.wanted(p.home) && !f.b.imports(p.home.pkg, &packages.Package{ID: adapter.Package}) {
		f.warnings = append(f.warnings, fmt.Sprintf("%s: what wraps %s is package %s: import it here (as _, if for nothing else)",
			t.at(), types.TypeString(p.typ, (*types.Package).Name), adapter.Package))
	}
	return ok
}
