"""What a browser is told it may do with our pages."""

from __future__ import annotations

from flask import Flask, Response, request

# Nothing inline, nothing from elsewhere. Drawings and Bootstrap's marks are `data:` images inside style sheets.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def init_app(app: Flask, *, secure: bool) -> None:
    everywhere = [
        *_HEADERS.items(),
        *([("Strict-Transport-Security", "max-age=31536000; includeSubDomains")] if secure else []),
    ]
    # Pages are personal: after signing out, the back button must not show them.
    on_pages = [*everywhere, ("Cache-Control", "no-store")]
    app.config["HEADERS_OF_PAGES"] = on_pages  # the server says them with what it answers by itself

    @app.after_request
    def protect(response: Response) -> Response:
        chosen = {name.lower() for name, _ in response.headers}  # what a view says itself stays
        wanted = everywhere if request.endpoint == "static" else on_pages
        response.headers.extend([(name, value) for name, value in wanted if name.lower() not in chosen])
        return response
