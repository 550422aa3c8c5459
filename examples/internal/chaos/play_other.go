//go:build !linux

package chaos

import (
	"context"

	"github.com/hostlife/hostlife/examples/internal/chaos/verify"
)

const supported = false

type round struct{}

func play(context.Context, Config, scenario, uint64, string) (*verify.Report, error) {
	return nil, errLinux
}

func scenarios() []scenario { return nil }
