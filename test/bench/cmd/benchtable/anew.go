package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/cladgo/clad/test/bench/internal/results"
)

// anew marks a process that measures for another one.
const anew = "BENCHTABLE_ANEW"

// measureAnew measures cases in a process of its own. Where functions and values
// come to lie in memory differs from one process to the next, and with it what a
// call takes, by more than all rounds of one process show.
func measureAnew(ctx context.Context, o *options, ids []string, rounds int) ([]results.Case, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		ids[i] = regexp.QuoteMeta(id)
	}
	cmd := exec.CommandContext(ctx, self, "-quiet", "-json", "-", "-run", "^("+strings.Join(ids, "|")+")$",
		"-rounds", strconv.Itoa(rounds), "-slice", (o.slice / 2).String())
	cmd.Env = append(os.Environ(), anew+"=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("measuring in another process: %w\n%s", err, stderr.String())
	}
	r, err := results.Read(&stdout)
	if err != nil {
		return nil, err
	}
	return r.Cases, nil
}
