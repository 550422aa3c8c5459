package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

var (
	errPacing    = errors.New("want MIN/MAX/PERSECOND or MIN/MAX/PERSECOND/JITTER, as in 10s/5m/1000/0.1")
	errPerSecond = errors.New("PERSECOND is missing, or 0: it has no default")
)

// ParsePacing parses MIN/MAX/PERSECOND/JITTER. An empty part is zero, and has the default of
// hostmgr.Pacing. It refuses what hostmgr.New would refuse. An empty string means no pacing.
func ParsePacing(s string) (c hostmgr.Pacing, err error) {
	if s == "" {
		return c, nil
	}
	parts := strings.Split(s, "/")
	if len(parts) < 3 || len(parts) > 4 {
		return c, errPacing
	}
	for i, part := range parts {
		if err := setPart(&c, i, part); err != nil {
			return c, err
		}
	}
	if c.PerSecond == 0 {
		return c, errPerSecond
	}
	_, err = hostmgr.New(hostmgr.Config[struct{}]{Pacing: c})
	return c, err
}

func setPart(c *hostmgr.Pacing, i int, s string) (err error) {
	if s == "" {
		return nil
	}
	switch i {
	case 0:
		c.Min, err = time.ParseDuration(s)
	case 1:
		c.Max, err = time.ParseDuration(s)
	case 2:
		c.PerSecond, err = strconv.ParseFloat(s, 64)
	case 3:
		c.Jitter, err = strconv.ParseFloat(s, 64)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", [...]string{"MIN", "MAX", "PERSECOND", "JITTER"}[i], err)
	}
	return nil
}
