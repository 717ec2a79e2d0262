package gen

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/tools/go/gcexportdata"
	"golang.org/x/tools/go/packages"
)

// A checker finds the types of some packages, with their syntax. Of what these
// import it reads export data; source, without the bodies of functions, only where
// there is none or it is of what the source was before.
type checker struct {
	ctx   context.Context
	fset  *token.FileSet
	parse func(fset *token.FileSet, name string, src []byte) (*ast.File, error)
	sizes types.Sizes

	nodes    map[string]*node                     // by ID
	views    map[string]map[string]*types.Package // by path, as the test of some package sees them, or "" for none
	exports  sync.Mutex                           // reading some changes packages that they mention
	checking chan struct{}                        // has room for so many as there are processors
}

// A node is a package and how it is to be read.
type node struct {
	*packages.Package
	whole  bool // with the bodies of functions and what their expressions are
	source bool
	once   sync.Once
}

// check gives the packages that were asked for their syntax and types.
func (l *loader) check(fset *token.FileSet, found *listing) error {
	c := &checker{ctx: l.ctx, fset: fset, parse: l.parse, sizes: found.sizes, nodes: map[string]*node{},
		views: map[string]map[string]*types.Package{}, checking: make(chan struct{}, runtime.GOMAXPROCS(0))}
	packages.Visit(found.roots, nil, func(p *packages.Package) { // imports before their importers
		n := &node{Package: p, whole: slices.Contains(found.roots, p)}
		n.source = p.PkgPath != "unsafe" && len(p.CompiledGoFiles) > 0 && (n.whole || p.ExportFile == "" || found.changed[p.ID])
		for _, imported := range p.Imports {
			n.source = n.source || c.nodes[imported.ID].source
		}
		p.Types = types.NewPackage(p.PkgPath, p.Name)
		if p.PkgPath == "unsafe" {
			p.Types = types.Unsafe
		}
		c.nodes[p.ID] = n
	})
	c.makeViews()
	var all sync.WaitGroup
	for _, p := range found.roots {
		all.Go(func() { c.load(c.nodes[p.ID]) })
	}
	all.Wait()
	return l.ctx.Err()
}

// makeViews tells which package of a path is meant: in the test of a package, some
// others are compiled anew.
func (c *checker) makeViews() {
	plain := map[string]*types.Package{}
	for _, n := range c.nodes {
		if n.ForTest == "" {
			plain[n.PkgPath] = n.Types
		}
	}
	c.views[""] = plain
	for _, n := range c.nodes {
		if n.ForTest == "" {
			continue
		}
		if c.views[n.ForTest] == nil {
			c.views[n.ForTest] = maps.Clone(plain)
		}
		c.views[n.ForTest][n.PkgPath] = n.Types
	}
}

// load reads a package, after what it needs.
func (c *checker) load(n *node) {
	n.once.Do(func() {
		if n.source {
			var needed sync.WaitGroup
			for _, imported := range n.Imports {
				needed.Go(func() { c.load(c.nodes[imported.ID]) })
			}
			needed.Wait()
		}
		c.checking <- struct{}{}
		defer func() { <-c.checking }()
		switch {
		case c.ctx.Err() != nil, n.PkgPath == "unsafe":
		case n.source:
			c.readSource(n)
		default:
			c.readExport(n)
		}
	})
}

func (c *checker) readExport(n *node) {
	file, err := os.Open(n.ExportFile)
	if err != nil {
		n.Types.MarkComplete() // what is missing will be missed where it is named
		return
	}
	defer func() { _ = file.Close() }()
	c.exports.Lock()
	defer c.exports.Unlock()
	if r, err := gcexportdata.NewReader(file); err == nil {
		_, _ = gcexportdata.Read(r, c.fset, c.views[n.ForTest], n.PkgPath) // into n.Types
	}
	n.Types.MarkComplete()
}

func (c *checker) readSource(n *node) {
	n.Fset = c.fset
	var files []*ast.File
	for _, name := range n.CompiledGoFiles {
		src, err := os.ReadFile(name)
		if err != nil {
			n.Errors = append(n.Errors, packages.Error{Pos: name + ":1", Msg: err.Error(), Kind: packages.ParseError})
			continue
		}
		file, err := c.parse(c.fset, name, src)
		n.Errors = append(n.Errors, parseErrors(err)...)
		if file != nil {
			files = append(files, file)
		}
	}
	config := types.Config{Importer: importer{n}, IgnoreFuncBodies: !n.whole, Sizes: c.sizes, Error: func(error) {}}
	if n.Module != nil && n.Module.GoVersion != "" {
		config.GoVersion = "go" + n.Module.GoVersion
	}
	if n.whole {
		n.Syntax = files
		n.TypesInfo = &types.Info{
			Types:      map[ast.Expr]types.TypeAndValue{},
			Defs:       map[*ast.Ident]types.Object{},
			Uses:       map[*ast.Ident]types.Object{},
			Implicits:  map[ast.Node]types.Object{},
			Instances:  map[*ast.Ident]types.Instance{},
			Scopes:     map[ast.Node]*types.Scope{},
			Selections: map[*ast.SelectorExpr]*types.Selection{},
		}
	}
	_ = types.NewChecker(&config, c.fset, n.Types, n.TypesInfo).Files(files) // says what the compiler will say
	n.Types.MarkComplete()
}

// parseErrors are the mistakes that a parser found, as go/packages tells them.
func parseErrors(err error) []packages.Error {
	var list scanner.ErrorList
	if !errors.As(err, &list) {
		return nil
	}
	errs := make([]packages.Error, len(list))
	for i, e := range list {
		errs[i] = packages.Error{Pos: e.Pos.String(), Msg: e.Msg, Kind: packages.ParseError}
	}
	return errs
}

// An importer finds the packages that a node imports, which have been read.
type importer struct{ *node }

func (i importer) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if p := i.Imports[path]; p != nil {
		return p.Types, nil
	}
	return nil, errors.New("it was not listed")
}

// parse leaves out what clad gen wrote: it is about to be written anew, and what
// is wrong with it must not matter.
func (l *loader) parse(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
	if l.generated(name, src) {
		return nil, nil
	}
	return parser.ParseFile(fset, name, src, parser.AllErrors|parser.ParseComments)
}
