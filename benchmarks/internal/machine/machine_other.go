//go:build !linux

package machine

import (
	"errors"
	"time"
)

var errSystem = errors.New("the processor time of processes is only read on Linux")

// Of fails: see errSystem.
func Of(int) (time.Duration, error) { return 0, errSystem }

// Own fails: see errSystem.
func Own() (time.Duration, error) { return 0, errSystem }

// Thread fails: see errSystem.
func Thread() (time.Duration, error) { return 0, errSystem }

// Memory fails: see errSystem.
func Memory(int) (int64, error) { return 0, errSystem }

func ownAndEnded() (time.Duration, error) { return 0, errSystem }
func machineBusy() (time.Duration, error) { return 0, errSystem }
func average() float64                    { return 0 }
