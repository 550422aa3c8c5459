package endtoend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// peerEnv has this executable be the peer: it holds an order.
const peerEnv = "HOSTLIFE_BENCHMARK_PEER"

// An order is a command to the peer.
type order struct {
	Addr string // of the scheduler
	Plan plan
}

// A count is what it did.
type count struct {
	OK, Failed uint64 // announces
	Seconds    float64
}

// PeerMain returns at once, unless this process was started as the peer: then it
// does that work and exits. A main or TestMain from which Measure is reached calls
// it first of all.
func PeerMain() {
	text, ok := os.LookupEnv(peerEnv)
	if !ok {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bePeer(ctx, text, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "endtoend: peer:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func bePeer(ctx context.Context, text string, stdout, log io.Writer) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("%s: %w", peerEnv, err)
	}
	f, err := newFleet(o)
	if err != nil {
		return err
	}
	c, err := f.work(ctx, log)
	if err := errors.Join(err, f.close()); err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(c)
}

// runPeer starts this executable as the peer and waits for it. It is killed when ctx
// ends.
func runPeer(ctx context.Context, p plan, addr string, log io.Writer) (c count, err error) {
	text, err := json.Marshal(order{addr, p})
	if err != nil {
		return c, err
	}
	exe, err := os.Executable()
	if err != nil {
		return c, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), peerEnv+"="+string(text))
	cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = childAttr(), &out, log
	if err := cmd.Run(); err != nil {
		return c, fmt.Errorf("peer: %w", errors.Join(err, ctx.Err()))
	}
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		return c, fmt.Errorf("peer: it answers %q: %w", &out, err)
	}
	if c.OK == 0 {
		return c, errors.New("peer: no announce was answered")
	}
	return c, nil
}
