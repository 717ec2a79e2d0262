package reload_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// A reload under way when the application stops ends, one way or the other, and
// nothing goes on afterwards; goleak looks at that.
func TestAReloadAtShutdown(t *testing.T) {
	for range 20 {
		s := open(t, directory(t, versions[0].profile(0)), lastAttempt)
		l := startLoad(t, 2000, func(ctx context.Context) error { _, err := s.bank.Charge(ctx, 1); return err })
		ctx, stop := context.WithCancel(t.Context())
		var others sync.WaitGroup
		begun := make(chan struct{}, 2)
		others.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				save(t, s.file, versions[n%len(versions)].profile(n))
				if n == 3 {
					begun <- struct{}{}
				}
			}
		})
		others.Go(func() {
			begun <- struct{}{}
			for ctx.Err() == nil {
				err := s.reloader.Reload(ctx)
				restless := err != nil && strings.Contains(err.Error(), "the files keep changing") // as they do
				if err != nil && !restless && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
		<-begun
		<-begun
		stopping, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := s.app.Stop(stopping); err != nil {
			t.Error(err)
		}
		cancel()
		stop()
		others.Wait()
		l.finish(t)
	}
}
