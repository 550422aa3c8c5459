package schedulerd

import (
	"fmt"
	"os"
)

const recordUsage = "append the flight recorder's log to `FILE`: each join and departure, late sign of life,\n" +
	"stall and eviction put off, with the evidence. Each scheduler needs a file of its own;\n" +
	"empty means none"

// openRecord opens the file, if one is named, that the flight recorder's log is appended to.
func (c *Config) openRecord() (stop func() error, err error) {
	if c.record == "" {
		return func() error { return nil }, nil
	}
	f, err := os.OpenFile(c.record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("-record: %w", err)
	}
	c.recorder = f
	return func() error {
		if err := f.Close(); err != nil {
			return fmt.Errorf("-record: %w", err)
		}
		return nil
	}, nil
}
