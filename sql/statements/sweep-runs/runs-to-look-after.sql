select what
from runs_to_look_after(string_to_array(:#gateways, ',') || string_to_array(:#withoutToken, ','),
  :#${variable.ownNamespace}) what
