// Package reload_test holds the tests of changing a profile under an application
// that runs: from a file that is saved to calls under way.
package reload_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
