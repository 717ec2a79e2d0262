package docs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// shellCheck knows what a shell block may name.
type shellCheck struct {
	*workspace
	targets map[string]bool // of the Makefile
}

var makeTarget = regexp.MustCompile(`(?m)^([a-zA-Z][\w-]*):`)

func newShellCheck(w *workspace) (*shellCheck, error) {
	makefile, err := os.ReadFile(filepath.Join(w.root, "Makefile"))
	if err != nil {
		return nil, err
	}
	s := &shellCheck{workspace: w, targets: map[string]bool{}}
	for _, m := range makeTarget.FindAllSubmatch(makefile, -1) {
		s.targets[string(m[1])] = true
	}
	return s, nil
}

// check parses the block and looks up the targets, paths and packages it names.
func (s *shellCheck) check(ctx context.Context, b *block) (problems []Problem) {
	if out, err := s.command(ctx, s.root, "bash", "-n", "-c", b.text).CombinedOutput(); err != nil {
		problems = append(problems, b.problem("%s", bytes.TrimSpace(out)))
	}
	for n, line := range strings.Split(b.text, "\n") {
		line, _, _ = strings.Cut(line, " # ")
		for command := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune("|&;()", r) }) {
			if err := s.checkCommand(strings.Fields(command)); err != nil {
				problems = append(problems, Problem{b.page, b.line + n, err.Error()})
			}
		}
	}
	return problems
}

func (s *shellCheck) checkCommand(words []string) error {
	for len(words) > 0 && strings.Contains(words[0], "=") {
		words = words[1:] // a variable set for the command
	}
	for n, word := range words {
		word = strings.Trim(word, `"'`)
		if words[0] == "make" && n > 0 && !strings.ContainsAny(word, "=-") && !s.targets[word] {
			return fmt.Errorf("the Makefile has no target %q", word)
		}
		name, local := strings.CutPrefix(word, "./")
		if words[0] == "cd" && n == 1 {
			name, local = word, true
		}
		if of, ok := strings.CutPrefix(word, s.module); ok && (of == "" || of[0] == '/' || of[0] == '@') {
			name, _, _ = strings.Cut(of, "@")
			local = true
		}
		name = strings.TrimSuffix(strings.TrimSuffix(name, "..."), "/")
		if !local {
			continue
		}
		if _, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("%s is not in the repository", word)
		}
	}
	return nil
}

// run runs the block at the root of the repository.
func (s *shellCheck) run(ctx context.Context, b *block) (string, error) {
	return s.finish(ctx, s.root, "bash", "-euo", "pipefail", "-c", b.text)
}
