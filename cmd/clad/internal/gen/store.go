package gen

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/go/packages"
)

// A store keeps what the go command has answered, for runs in which nothing has
// changed that it looks at: most edits change neither an import nor which files
// there are. A nil store keeps nothing.
type store struct {
	name    string                    // of the file
	shape   string                    // of the source
	trees   []string                  // of source that may change
	known   []answer                  // to queries, with that shape
	used    []answer                  // in this run
	anew    bool                      // some of these
	current func() bool               // whether the source is still what it was
	skip    func(string, []byte) bool // generated files, which are of no account
}

// open makes the store of a run that has such inputs, whatever was kept.
func (o *Options) open(ctx context.Context, inputs string) *store {
	shape, trees, err := o.shape(ctx)
	if err != nil {
		return nil
	}
	dir, err := cacheDir()
	if err != nil {
		return nil
	}
	asked, err := o.asked()
	if err != nil {
		return nil
	}
	id := sha256.Sum256([]byte(asked))
	s := &store{
		name:  filepath.Join(dir, "list-"+hex.EncodeToString(id[:])+".json.gz"),
		trees: trees,
		shape: shape,
		skip:  (&loader{output: o.Output}).generated,
		current: func() bool {
			now, err := o.inputs(ctx)
			return err == nil && now == inputs
		},
	}
	if o.Anew {
		return s
	}
	if k := readKept(s.name); k != nil && k.Shape == shape {
		s.known = k.Answers
		now := time.Now()
		_ = os.Chtimes(s.name, now, now) // it is kept as long as it is of use
	}
	return s
}

// recall answers a query with what is kept, nil if nothing is.
func (s *store) recall(q query) *listing {
	if s == nil {
		return nil
	}
	for _, a := range s.known {
		if a.Query.equals(q) && a.compiled() {
			s.used = append(s.used, a)
			return a.listing(s)
		}
	}
	return nil
}

// add notes what the go command has answered. What is wrong is said anew each time.
func (s *store) add(q query, found *listing) {
	if s == nil || slices.ContainsFunc(q.Flags, func(f string) bool { return strings.HasPrefix(f, "-overlay=") }) {
		return
	}
	if a, ok := s.answer(q, found); ok {
		s.used, s.anew = append(s.used, a), true
	}
}

// keep writes what was answered in this run. Nothing depends on its success.
func (s *store) keep() {
	if s == nil || !s.anew || !s.current() {
		return
	}
	if os.MkdirAll(filepath.Dir(s.name), 0o755) == nil {
		_ = (&kept{s.shape, s.used}).write(s.name)
	}
}

// mayChange reports whether a package is in a folder that no version stands for.
func (s *store) mayChange(p *packages.Package) bool {
	return slices.ContainsFunc(s.trees, func(tree string) bool {
		return p.Dir == tree || strings.HasPrefix(p.Dir, tree+string(filepath.Separator))
	})
}

// sumOf is a sum over the source of a package, but for what was generated.
func (s *store) sumOf(p *packages.Package) string {
	sum := sha256.New()
	for _, name := range p.GoFiles {
		text, err := os.ReadFile(name)
		if err == nil && s.skip(name, text) {
			continue
		}
		own := sha256.Sum256(text)
		fmt.Fprintf(sum, "%q %v %x\n", name, err, own)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
