package gen

import (
	"cmp"
	"go/types"
	"os"
	"slices"

	"golang.org/x/tools/go/packages"
)

// A query is what the go command is asked for: the packages that match patterns,
// with all that they import.
type query struct {
	Flags    []string
	Tests    bool // their tests, too
	Exports  bool // compiled, where they aren't yet
	Patterns []string
}

func (q query) equals(other query) bool {
	return q.Tests == other.Tests && q.Exports == other.Exports && slices.Equal(q.Flags, other.Flags) && slices.Equal(q.Patterns, other.Patterns)
}

// A listing is the answer.
type listing struct {
	roots []*packages.Package // those that match
	sizes types.Sizes         // of a query for exports

	// changed tells, by ID, whose export data is of source that has changed since: in
	// a listing that was kept.
	changed map[string]bool
}

const metadata = packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps |
	packages.NeedModule | packages.NeedForTest

// list answers a query: from what is kept, or by the go command.
func (l *loader) list(q query) (*listing, error) {
	if known := l.store.recall(q); known != nil {
		return known, nil
	}
	mode := metadata
	if q.Exports {
		mode |= packages.NeedCompiledGoFiles | packages.NeedExportFile | packages.NeedTypesSizes
	}
	roots, err := packages.Load(&packages.Config{Mode: mode, Context: l.ctx, Dir: l.dir, Env: environment(), Tests: q.Tests,
		BuildFlags: q.Flags}, q.Patterns...)
	if err != nil {
		return nil, err
	}
	found := &listing{roots: roots}
	for _, p := range roots {
		found.sizes = cmp.Or(found.sizes, p.TypesSizes)
	}
	l.store.add(q, found)
	return found, nil
}

// environment is that of the go command, which lives too shortly for collecting
// garbage as often as it does by itself.
func environment() []string {
	env := os.Environ()
	if os.Getenv("GOGC") == "" {
		env = append(env, "GOGC=400")
	}
	return slices.Clip(env)
}
