package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/suggest"
)

// defaultDir is where profiles are, unless something else is said.
const defaultDir = "configs"

// arguments are those of a command line, by what they are.
type arguments struct {
	dirs, files []string // of profiles
	packages    []string // of Go
}

// classify sorts arguments. Profiles are a directory that has YAML files, or
// one of these files; all else is a Go package, if it can be one.
func classify(args []string) (arguments, error) {
	var a arguments
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case strings.Contains(arg, "..."):
			a.packages = append(a.packages, arg)
		case err != nil && isImportPath(arg):
			a.packages = append(a.packages, arg)
		case err != nil:
			return a, fmt.Errorf("there is no file or directory %s%s", arg, nearestFile(arg))
		case info.IsDir() && containsFile(arg, ".yaml", ".yml"):
			a.dirs = append(a.dirs, filepath.Clean(arg))
		case info.IsDir() && containsFile(arg, ".go"):
			a.packages = append(a.packages, asPackage(arg))
		case info.IsDir():
			return a, fmt.Errorf("%s has neither profiles nor Go files", arg)
		case slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(arg)):
			a.files = append(a.files, filepath.Clean(arg))
		default:
			return a, fmt.Errorf("%s is no profile, which are files like production.yaml", arg)
		}
	}
	return a, nil
}

// isImportPath reports whether arg may be the import path of a package: its
// first element is a host, as in github.com/acme/shop.
func isImportPath(arg string) bool {
	host, rest, ok := strings.Cut(arg, "/")
	return ok && rest != "" && strings.Contains(strings.Trim(host, "."), ".")
}

// asPackage writes a directory the way the go command wants it.
func asPackage(dir string) string {
	if filepath.IsAbs(dir) || strings.HasPrefix(dir, ".") {
		return dir
	}
	return "./" + filepath.ToSlash(dir)
}

func containsFile(dir string, extensions ...string) bool {
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && slices.Contains(extensions, filepath.Ext(e.Name()))
	})
}

// nearestFile says which file beside one that is not there was meant.
func nearestFile(name string) string {
	dir := filepath.Dir(name)
	entries, _ := os.ReadDir(dir + string(filepath.Separator) + ".") // a pipe is none, and is not opened
	var known []string
	for _, e := range entries {
		known = append(known, filepath.Join(dir, e.Name()))
	}
	return suggest.DidYouMean(filepath.Clean(name), known)
}
