package container_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/policy"
)

// What a dependency may answer, beside errDown.
