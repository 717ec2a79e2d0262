package gen

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// Run finds the interfaces and writes their proxies. An error joins all
// problems; what they don't touch is written all the same. Where a run has found
// that there is nothing to do, and nothing that it depended on has changed, the
// result is that run's: what it looked at is kept as a sum in the user's cache.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	before, err := o.inputs(ctx)
	if err != nil { // the run itself says what is wrong, if anything is
		return o.run(ctx, nil)
	}
	if r := recall(before); r != nil && !o.Anew {
		return r, nil
	}
	r, err := o.run(ctx, o.open(ctx, before))
	if err == nil && len(r.Written)+len(r.Removed)+len(r.Stale) == 0 {
		// What was edited meanwhile may not be what was looked at.
		if after, err := o.inputs(ctx); err == nil && after == before {
			remember(after, r)
		}
	}
	return r, err
}

// keepFor is how long a result is kept that is not asked for.
const keepFor = 30 * 24 * time.Hour

// recall returns the result of a run with such inputs, nil if there was none.
func recall(inputs string) *Result {
	name, err := remembered(inputs)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	r := &Result{Recalled: true}
	if json.Unmarshal(text, r) != nil {
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(name, now, now) // it is kept as long as it is of use
	return r
}

// remember keeps a result, and none for too long. Nothing depends on its success.
func remember(inputs string, r *Result) {
	name, err := remembered(inputs)
	if err != nil {
		return
	}
	text, err := json.Marshal(r)
	if err != nil || os.MkdirAll(filepath.Dir(name), 0o755) != nil {
		return
	}
	_ = replace(name, string(text))
	old, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*.json*"))
	for _, name := range old {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > keepFor {
			_ = os.Remove(name)
		}
	}
}

// remembered names the file of a result.
func remembered(inputs string) (string, error) {
	dir, err := cacheDir()
	return filepath.Join(dir, inputs+".json"), err
}

func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "clad", "gen"), err
}
