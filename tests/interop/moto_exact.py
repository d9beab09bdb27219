"""moto's server, judging signatures over the bytes that were sent.

moto by itself judges a form by what its own parser makes of it: it encodes the fields again, blanks
as "+", and refuses a client that sends them as "%20", which is what the signature was made over.
Here the bytes are kept beside the parsed form and given to moto's own check.
"""

import io
import threading

from moto import server
from moto.iam.access_control import IAMRequestBase
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

sent = threading.local()
dispatch = DomainDispatcherApplication.__call__
begin = IAMRequestBase.__init__


def keep_bytes(self, environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    sent.body = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(sent.body)
    return dispatch(self, environ, start_response)


def judge_bytes(self, *args, **kwargs):
    kwargs["body"] = kwargs.get("body") or sent.body
    begin(self, *args, **kwargs)


DomainDispatcherApplication.__call__ = keep_bytes
IAMRequestBase.__init__ = judge_bytes
server.main()
