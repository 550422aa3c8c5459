package hostweb

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	maxForm    = 16 << 10 // bytes
	maxLogged  = 1 << 10  // bytes of an id that does not exist
	cookieName = "hostlife_form"
)

var errForm = errors.New("the form is not from this page, or too old: load the page again")

// forms proves that a form comes from this page: it has a token that belongs to a cookie of the
// browser. Another site can make the browser send the cookie, but cannot know the token.
type forms struct {
	once sync.Once
	key  [32]byte
}

// token returns the token that belongs to a cookie.
func (f *forms) token(cookie string) string {
	f.once.Do(func() { _, _ = rand.Read(f.key[:]) }) // it never fails
	mac := hmac.New(sha256.New, f.key[:])
	mac.Write([]byte(cookie))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// issue returns the token for the forms of an answer. It gives the browser a cookie if it has none.
func (f *forms) issue(w http.ResponseWriter, r *http.Request) string {
	if c, err := r.Cookie(cookieName); err == nil && c.Value != "" {
		return f.token(c.Value)
	}
	value := rand.Text()
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: value, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
	return f.token(value)
}

// check reports whether a form is from this page. The browser says of itself where it comes from;
// the token decides if an old browser does not.
func (f *forms) check(r *http.Request) bool {
	c, err := r.Cookie(cookieName)
	return err == nil && c.Value != "" && new(http.CrossOriginProtection).Check(r) == nil &&
		hmac.Equal([]byte(r.PostForm.Get("token")), []byte(f.token(c.Value)))
}

// An action is what a form asks for.
type action struct {
	name, id, reason string
	registration     uint64
	user             string
}

// act does what a form asks for, and then shows the host. Each form is logged.
func (h *Handler[M]) act(w http.ResponseWriter, r *http.Request) {
	user := "" // named before anything is done: User may panic
	if h.User != nil {
		user = h.User(r)
	}
	a, err := h.parseAction(w, r)
	a.user = user
	if err == nil {
		err = h.do(r, a)
	}
	h.audit(r, a, err)
	switch {
	case err == nil || errors.Is(err, hostmgr.ErrCleanupPending):
		w.Header().Set("Location", "../?host="+url.QueryEscape(a.id)+"#h-host")
		w.WriteHeader(http.StatusSeeOther)
	case errors.Is(err, errForm):
		h.fail(w, r, http.StatusForbidden, err.Error())
	case errors.Is(err, hostmgr.ErrUnknownHost) || errors.Is(err, hostmgr.ErrStale):
		h.fail(w, r, http.StatusConflict, "the host has departed, or has joined again: "+err.Error())
	default:
		h.fail(w, r, http.StatusBadRequest, err.Error())
	}
}

func (h *Handler[M]) parseAction(w http.ResponseWriter, r *http.Request) (a action, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	a.name = strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/"), "actions/")
	if err := r.ParseForm(); err != nil {
		return a, fmt.Errorf("the form is malformed: %w", err)
	}
	a.id, a.reason = r.PostForm.Get("id"), strings.TrimSpace(r.PostForm.Get("reason"))
	if !h.forms.check(r) {
		return a, errForm
	}
	if a.registration, err = strconv.ParseUint(r.PostForm.Get("registration"), 10, 64); err != nil {
		return a, errors.New("registration is not a number")
	}
	if a.reason == "" {
		return a, errors.New("reason is empty")
	}
	return a, nil
}

// do ends the registration that the page has shown, not a later one.
func (h *Handler[M]) do(r *http.Request, a action) error {
	host, ok := h.Registry.Get(a.id)
	switch {
	case !ok:
		return hostmgr.ErrUnknownHost
	case host.Registration != a.registration:
		return hostmgr.ErrStale
	case a.name == "evict":
		return h.Registry.Evict(r.Context(), a.id, host.Incarnation, a.reason)
	default:
		return h.Registry.Forget(a.id, host.Incarnation)
	}
}

// audit logs what was done, or refused.
func (h *Handler[M]) audit(r *http.Request, a action, err error) {
	log := h.Logger
	if log == nil {
		log = slog.Default()
	}
	attributes := []any{"action", a.name, "host", a.id[:min(len(a.id), maxLogged)], "registration", a.registration, "reason", a.reason, "user", a.user, "from", r.RemoteAddr}
	if err != nil && !errors.Is(err, hostmgr.ErrCleanupPending) {
		log.Warn("an action of the page was refused", append(attributes, "error", err)...)
		return
	}
	log.Info("an action of the page was done", attributes...)
}
