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

	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/cladgo/clad/test/bench/internal/results"
)

// anew marks a process that measures for another one.
const anew = "BENCHTABLE_ANEW"

// measureAnew measures cases in a process of its own. Where functions and values
// come to lie in memory differs from one process to the next, and with it what a
// call takes, by more than all rounds of one process show.
func measureAnew(ctx context.Context, plan measure.Plan, ids []string) ([]results.Case, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = regexp.QuoteMeta(id)
	}
	cmd := exec.CommandContext(ctx, self, "-quiet", "-json", "-", "-run", "^("+strings.Join(quoted, "|")+")$",
		"-rounds", strconv.Itoa(plan.Rounds), "-slice", plan.Slice.String())
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
