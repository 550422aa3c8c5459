package chaos

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/hostlife/hostlife/examples/internal/history"
)

const (
	filler = 4 << 10 // bytes of a value that takes the memory
	room   = 4 << 20 // bytes, beyond what is used
)

// press gives the server little memory, with allkeys-lru, and fills it for some time, so that it
// removes keys of the table. It returns how many keys the server has removed in all.
func (e *redisServer) press(lasts time.Duration) (removed int, err error) {
	used, err := strconv.Atoi(e.info(e.addr, "memory", "used_memory"))
	if err != nil {
		return 0, err
	}
	for _, setting := range [][]any{{"maxmemory-policy", "allkeys-lru"}, {"maxmemory", fmt.Sprint(used + room)}} {
		if err := e.do(e.addr, append([]any{"CONFIG", "SET"}, setting...)...); err != nil {
			return 0, err
		}
	}
	began := history.Now()
	err = e.round.disturbs(history.Engine, "removes keys", func() error {
		for n, end := 0, time.Now().Add(lasts); time.Now().Before(end) && e.round.ctx.Err() == nil; n++ {
			if err := e.fill(n); err != nil {
				return err
			}
			e.round.pause(20 * time.Millisecond)
		}
		return e.do(e.addr, "CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "0")
	})
	removed, _ = strconv.Atoi(e.info(e.addr, "stats", "evicted_keys"))
	e.round.log.Add(history.Entry{Kind: history.Lost, Began: began, Note: "keys that were removed"})
	return removed, err
}

// full makes the server refuse writes while f runs.
func (e *redisServer) full(f func() error) error {
	return e.round.disturbs(history.Engine, "refuses writes", func() error {
		if err := e.do(e.addr, "CONFIG", "SET", "maxmemory", "1mb", "maxmemory-policy", "noeviction"); err != nil {
			return err
		}
		if err := f(); err != nil {
			return err
		}
		return e.do(e.addr, "CONFIG", "SET", "maxmemory", "0")
	})
}

// fill writes some values of no use.
func (e *redisServer) fill(n int) error {
	return e.with(e.addr, func(ctx context.Context, c *redis.Client) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 50 {
				p.Set(ctx, fmt.Sprintf("filler-%d-%d", n, i), make([]byte, filler), 0)
			}
			return nil
		})
		return err
	})
}
