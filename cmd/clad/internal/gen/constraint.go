package gen

import (
	"fmt"
	gobuild "go/build"
	"go/build/constraint"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// constraint is the build constraint that the file needs: that of the files
// which declare its interfaces, where they are in the same package.
func (u *unit) constraint(proxies []*proxy) (string, error) {
	found := map[string]string{} // constraint -> interface
	for _, p := range proxies {
		found[u.constraintOf(p)] = p.base
	}
	if len(found) == 1 {
		for expr := range found {
			return expr, nil
		}
	}
	var parts []string
	for expr, name := range found {
		if expr == "" {
			expr = "no build constraint"
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", name, expr))
	}
	slices.Sort(parts)
	return "", fmt.Errorf("%s: interfaces with different build constraints can't share a file: %s; declare them in files that are always built",
		relative(u.file), strings.Join(parts, ", "))
}

// constraintOf is that of the file which declares an interface of the package.
func (u *unit) constraintOf(p *proxy) string {
	obj := objectOf(p.typ)
	if obj == nil || obj.Pkg() == nil || obj.Pkg().Path() != u.home.pkg.PkgPath {
		return ""
	}
	return fileConstraint(p.b.fset.Position(obj.Pos()).Filename)
}

// fileConstraint is the build constraint of a file, from its //go:build line and
// its name, or "".
func fileConstraint(name string) string {
	var parts []string
	if expr := lineConstraint(name); expr != nil {
		parts = append(parts, expr.String())
	}
	words := strings.Split(strings.TrimSuffix(strings.TrimSuffix(filepath.Base(name), ".go"), "_test"), "_")
	for i := len(words) - 1; i > 0 && i >= len(words)-2 && isPlatform(words[i]); i-- {
		parts = append(parts, words[i])
	}
	if len(parts) == 2 {
		return "(" + parts[0] + ") && " + parts[1]
	}
	return strings.Join(parts, " && ")
}

func lineConstraint(name string) constraint.Expr {
	src, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(src)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "package ") {
			return nil
		}
		if constraint.IsGoBuild(line) {
			expr, err := constraint.Parse(line)
			if err != nil {
				return nil
			}
			return expr
		}
	}
	return nil
}

// isPlatform reports whether word in the name of a file keeps it from being built
// elsewhere. Package go/build has the list and doesn't show it, so it is asked
// about a file of that name for a platform that doesn't exist.
func isPlatform(word string) bool {
	ctx := gobuild.Default
	ctx.GOOS, ctx.GOARCH = "none", "none"
	ctx.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("package p")), nil }
	match, err := ctx.MatchFile("", "x_"+word+".go")
	return err == nil && !match
}
