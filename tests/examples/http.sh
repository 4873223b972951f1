# HTTP, from any language: AFTERTAG_KEY is what `aftertag key create shop --workspace acme --application shop` showed.
# AFTERTAG_SERVER is where `aftertag serve` or `up` listens; not the AFTERTAG_URL of the hook, which may be a Redis.
curl --fail-with-body --silent --show-error "${AFTERTAG_SERVER:-http://127.0.0.1:8787}/v1/generations" \
  --header "Authorization: Bearer $AFTERTAG_KEY" --header "Content-Type: application/json" \
  --data '{"id": "call-1", "model": "gpt-5-mini", "user": "u-17",
           "messages": [{"role": "user", "content": "Why is the sky blue?"}], "output": "It scatters."}'
