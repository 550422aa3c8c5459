package hostredis

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed table.lua
var source string

var script = redis.NewScript(source)

// A processor is a client of Redis.
type processor interface {
	Process(ctx context.Context, cmd redis.Cmder) error
}

// once is a command that the client does not repeat, whatever its MaxRetries.
type once struct{ *redis.Cmd }

func (once) NoRetry() bool { return true }

// run calls the script. It makes the table first if there is none.
func (s *Store) run(ctx context.Context, c processor, keys []string, op string, args ...any) ([]any, error) {
	for range 3 {
		reply, err := call(ctx, c, keys, append([]any{op, newEpoch()}, args...))
		if err != nil {
			return nil, err
		}
		if status, _ := reply[0].(string); status != "none" {
			return reply, nil
		}
		if _, err := call(ctx, c, s.keys.some(0, buckets), []any{"begin", newEpoch()}); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("hostredis: %q was removed again and again", s.keys.meta)
}

// call calls the script by its hash, and by its text if Redis does not have it.
func call(ctx context.Context, c processor, keys []string, args []any) ([]any, error) {
	reply, err := eval(ctx, c, "evalsha", script.Hash(), keys, args)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		reply, err = eval(ctx, c, "eval", source, keys, args)
	}
	return reply, err
}

func eval(ctx context.Context, c processor, command, text string, keys []string, args []any) ([]any, error) {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, command, text, len(keys))
	for _, k := range keys {
		all = append(all, k)
	}
	cmd := redis.NewCmd(ctx, append(all, args...)...)
	cmd.SetFirstKeyPos(3)
	if err := c.Process(ctx, once{cmd}); err != nil {
		return nil, err
	}
	reply, err := cmd.Slice()
	if err == nil && len(reply) == 0 {
		err = errReply
	}
	return reply, err
}
