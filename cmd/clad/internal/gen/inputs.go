package gen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"hash"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// errUntold is of a run whose inputs can't be told without the go command.
var errUntold = errors.New("what it depends on can't be told")

// inputs is a sum over all that the result of a run depends on: what is asked for,
// clad gen itself, the go command and its settings, and every Go file of the modules
// that are not in the module cache, whose content their versions say.
func (o *Options) inputs() (string, error) {
	sum := sha256.New()
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(sum, "%q\n", []any{dir, o.Patterns, o.Types, o.Output, o.Tags})
	if err := addTools(sum); err != nil {
		return "", err
	}
	roots, err := sourceTrees(dir, sum)
	if err != nil {
		return "", err
	}
	for _, root := range roots {
		if err := addTree(sum, root); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// addTools adds this program, the go command and what both are told by the environment.
func addTools(sum hash.Hash) error {
	self, err := os.Executable()
	if err == nil {
		err = addFile(sum, self)
	}
	if err != nil {
		return err
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return err
	}
	info, err := os.Stat(tool)
	if err != nil {
		return err
	}
	fmt.Fprintf(sum, "%q %d %v\n", tool, info.Size(), info.ModTime().UnixNano())
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return !strings.HasPrefix(v, "GO") && !strings.HasPrefix(v, "CGO_") })
	slices.Sort(env)
	file, err := goEnvFile()
	if err != nil {
		return err
	}
	settings := slices.Concat(env, strings.Split(file, "\n"))
	fmt.Fprintf(sum, "%q\n", settings)
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		elsewhere := name == "GOPACKAGESDRIVER" && value != "" && value != "off" ||
			name == "GOFLAGS" && (strings.Contains(value, "-overlay") || strings.Contains(value, "-modfile") || strings.Contains(value, "-toolexec"))
		if elsewhere {
			return errUntold
		}
	}
	return nil
}

// goEnvFile is what go env -w has written.
func goEnvFile() (string, error) {
	name := os.Getenv("GOENV")
	if name == "off" {
		return "", nil
	}
	if name == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return "", nil //nolint:nilerr // the go command has none either
		}
		name = filepath.Join(dir, "go", "env")
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// sourceTrees lists the folders of the modules whose source may change: those of
// the workspace, or the one around dir, and those that replace others.
func sourceTrees(dir string, sum hash.Hash) ([]string, error) {
	mains, err := workspace(dir, sum)
	if err != nil {
		return nil, err
	}
	if mains == nil {
		mod, ok := above(dir, "go.mod")
		if !ok {
			return nil, errUntold
		}
		mains = []string{filepath.Dir(mod)}
	}
	trees := slices.Clone(mains)
	for _, main := range mains {
		name := filepath.Join(main, "go.mod")
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a folder of dependencies
		}
		if err != nil {
			return nil, err
		}
		mod, err := modfile.Parse(name, text, nil)
		if err != nil {
			return nil, err
		}
		trees = append(trees, replacements(main, mod.Replace)...)
	}
	for i, tree := range trees {
		if trees[i], err = filepath.EvalSymlinks(tree); err != nil {
			return nil, err
		}
	}
	slices.Sort(trees)
	return slices.Compact(trees), nil
}

// workspace lists the modules of the go.work file that counts in dir, and those that
// replace others in it; nil if there is none.
func workspace(dir string, sum hash.Hash) ([]string, error) {
	name, ok := os.LookupEnv("GOWORK")
	if name == "off" {
		return nil, nil
	}
	if !ok || name == "" {
		if name, ok = above(dir, "go.work"); !ok {
			return nil, nil
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(sum, "%q\n", text)
	work, err := modfile.ParseWork(name, text, nil)
	if err != nil {
		return nil, err
	}
	base := filepath.Dir(name)
	var dirs []string
	for _, use := range work.Use {
		dirs = append(dirs, at(base, use.Path))
	}
	if vendor := filepath.Join(base, "vendor"); isDir(vendor) {
		dirs = append(dirs, vendor)
	}
	return append(dirs, replacements(base, work.Replace)...), nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func replacements(base string, replaces []*modfile.Replace) []string {
	var dirs []string
	for _, r := range replaces {
		if r.New.Version == "" {
			dirs = append(dirs, at(base, r.New.Path))
		}
	}
	return dirs
}

func at(base, path string) string {
	if path = filepath.FromSlash(path); filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// above finds a file in dir or above it.
func above(dir, name string) (string, bool) {
	for {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			return file, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

// addTree adds the Go files of a module, and what says which versions it requires.
func addTree(sum hash.Hash, root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path == root {
				return nil
			}
			if strings.HasPrefix(name, ".") {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				fmt.Fprintf(sum, "%q is another module\n", path)
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) == ".go" || slices.Contains([]string{"go.mod", "go.sum", "go.work.sum", "modules.txt"}, name) {
			return addFile(sum, path)
		}
		return nil
	})
}

func addFile(sum hash.Hash, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	vendored := strings.Contains(filepath.ToSlash(name), "/vendor/") // is compiled, as all dependencies, and not read
	if filepath.Ext(name) == ".go" && !vendored && bytes.Contains(text, []byte(`"C"`)) && usesC(name, text) {
		return errUntold // but by a C compiler and its headers
	}
	own := sha256.Sum256(text)
	fmt.Fprintf(sum, "%q ", name)
	_, err = sum.Write(own[:])
	return err
}

func usesC(name string, text []byte) bool {
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
	if err != nil {
		return true
	}
	for _, i := range f.Imports {
		if i.Path.Value == `"C"` {
			return true
		}
	}
	return false
}
