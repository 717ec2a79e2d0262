package gen

import (
	"fmt"
	"go/types"

	"golang.org/x/tools/go/packages"
)

// adapters are the packages that wrap a type better than a proxy of it could, as
// soon as a program imports them.
var adapters = map[string]string{
	"net/http.RoundTripper":                      containerPath + "/cladhttp",
	"*net/http.Client":                           containerPath + "/cladhttp",
	"database/sql/driver.Connector":              containerPath + "/cladsql",
	"google.golang.org/grpc.ClientConnInterface": containerPath + "/cladgrpc",
}

// adapted reports whether there is an adapter for a type, which therefore gets no
// proxy: which of the two came first would depend on the order of imports.
func (f *finder) adapted(t tagging, p provided) bool {
	adapter, ok := adapters[keyOf(p.typ)]
	if ok && f.wanted(p.home) && !f.b.imports(p.home.pkg, &packages.Package{ID: adapter}) {
		f.warnings = append(f.warnings, fmt.Sprintf("%s: what wraps %s is package %s: import it here (as _, if for nothing else)",
			t.at(), types.TypeString(p.typ, (*types.Package).Name), adapter))
	}
	return ok
}
