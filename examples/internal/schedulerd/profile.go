package schedulerd

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// profile writes a CPU profile to a file, if one is named, until stop is called.
func profile(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := openForWriting(file, os.O_TRUNC, 0o666)
	if err != nil {
		return nil, fmt.Errorf("-cpuprofile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("-cpuprofile: %w", err)
	}
	return func() error {
		hurry(f)
		pprof.StopCPUProfile() // writes all
		if err := f.Close(); err != nil {
			return fmt.Errorf("-cpuprofile: %w", err)
		}
		return nil
	}, nil
}
