package members

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// memberEnv has this executable be a member.
const memberEnv = "HOSTLIFE_BENCHMARK_MEMBER"

// An order is a line on the standard input of a member, and an answer a line on its standard output.
type order struct {
	Do   string
	Args json.RawMessage
}

type answer struct {
	Error  string `json:",omitempty"`
	Result json.RawMessage
}

// Main returns at once, unless this process was started as a member: then it obeys orders until its
// input ends, and exits. A main or TestMain from which Start is reached calls it first of all.
func Main() {
	if _, ok := os.LookupEnv(memberEnv); !ok {
		return
	}
	if err := obey(context.Background(), os.Stdin, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "member:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// obey obeys orders, one after the other.
func obey(ctx context.Context, in io.Reader, out io.Writer) error {
	c := &child{ctx: ctx}
	lines, answers := bufio.NewReader(in), json.NewEncoder(out)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var o order
		if err := json.Unmarshal(line, &o); err != nil {
			return fmt.Errorf("order %q: %w", line, err)
		}
		if err := answers.Encode(c.obey(o)); err != nil {
			return err
		}
	}
}

// A child is the process of a member.
type child struct {
	ctx context.Context
	m   *member
}

func (c *child) obey(o order) answer {
	result, err := c.do(o)
	if err != nil {
		return answer{Error: err.Error()}
	}
	text, err := json.Marshal(result)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Result: text}
}

func (c *child) do(o order) (any, error) {
	if o.Do != "begin" && c.m == nil {
		return nil, fmt.Errorf("%s before begin", o.Do)
	}
	switch o.Do {
	case "begin":
		return with(o, c.begin)
	case "announce":
		return with(o, c.m.announce)
	case "burst":
		return with(o, c.m.burst)
	case "change":
		return with(o, c.m.change)
	case "await":
		return with(o, c.m.await)
	case "follow":
		return with(o, c.follow)
	case "lasts":
		return c.m.beats.lasts(), nil
	case "watch":
		c.m.watch.start(c.m.ctx, c.m.hosts)
		return nil, nil
	case "seen":
		return c.m.watch.look(), nil
	case "unwatch":
		c.m.watch.stop()
		return nil, nil
	case "figures":
		return c.m.figures()
	case "stop":
		return nil, c.m.stop()
	}
	return nil, fmt.Errorf("no such order: %q", o.Do)
}

func (c *child) begin(b Begin) (Begun, error) {
	m, begun, err := begin(c.ctx, b)
	c.m = m
	return begun, err
}

func (c *child) follow(s *Schedule) (any, error) {
	c.m.beats.follow(s)
	return nil, nil
}

// with calls f with the arguments of an order.
func with[A, R any](o order, f func(A) (R, error)) (any, error) {
	var args A
	if err := json.Unmarshal(o.Args, &args); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Do, err)
	}
	return f(args)
}

// logger writes the warnings of a member to the standard error, which the program shows.
func logger(name string) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})).With("member", name)
}
