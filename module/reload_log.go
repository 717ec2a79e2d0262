package module

import (
	"context"
	"errors"
	"log/slog"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

// logMistakes logs each mistake of a failed reload that the last one did not
// have: one that stays is told once, however often the profile is read.
func (r *Reloader) logMistakes(ctx context.Context, err error) {
	mistakes := make(map[string]bool)
	for _, mistake := range apart(err) {
		text := mistake.Error()
		if !r.mistakes[text] && !mistakes[text] {
			r.log.ErrorContext(ctx, "the profile was not reloaded: the last good one stays in force", "mistake", text)
		}
		mistakes[text] = true
	}
	r.mistakes = mistakes
}

// apart takes errors apart that were joined, at whatever depth.
func apart(err error) []error {
	var mistakes config.Mistakes
	if errors.As(err, &mistakes) {
		return mistakes.Unwrap()
	}
	joined, ok := err.(interface{ Unwrap() []error }) // what wraps one has more to say
	if !ok {
		return []error{err}
	}
	var all []error
	for _, err := range joined.Unwrap() {
		all = append(all, apart(err)...)
	}
	return all
}

// logSuccess logs what a reload changed, and which new choices met nothing. One
// that changed nothing is news only after one that failed.
func (r *Reloader) logSuccess(ctx context.Context, o Outcome, before policy.Catalog) {
	level := slog.LevelInfo
	if len(o.Added)+len(o.Changed)+len(o.Removed) == 0 && len(r.mistakes) == 0 {
		level = slog.LevelDebug
	}
	r.log.Log(ctx, level, "the profile was reloaded", "profile", o.Profile,
		"added", o.Added, "changed", o.Changed, "removed", o.Removed)
	for _, id := range r.orchestrator.UnusedServices() {
		if _, known := before.Services[id]; !known {
			warnUnused(ctx, r.log, id)
		}
	}
}

func warnUnused(ctx context.Context, log *slog.Logger, service string) {
	log.WarnContext(ctx, "the profile chooses policies for a service that nothing provides", "service", service)
}
